/** The encoder within the package that draws codes on terminals; it has no types of its own. */
declare module 'qrcode-terminal/vendor/QRCode/index.js' {
  /** `type` -1 takes the smallest that holds the text; `level` 1 is L, the lowest correction of errors. */
  export default class QRCode {
    constructor(type: number, level: number);
    addData(text: string): void;
    make(): void;
    getModuleCount(): number;
    isDark(row: number, column: number): boolean;
  }
}
