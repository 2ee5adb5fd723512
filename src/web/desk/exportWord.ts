/** How a kind of file is called, such as CSV. */
export function exportWord(kind: string): string {
  return kind === 'beancount' ? 'Beancount' : kind.toUpperCase();
}
