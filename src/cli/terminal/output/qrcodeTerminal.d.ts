/** The one call of the package that is made; it has no types of its own. */
declare module 'qrcode-terminal' {
  export function generate(text: string, options: { small: boolean }, take: (code: string) => void): void;
}
