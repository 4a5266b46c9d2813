/** Telling the user that a server is waited for. */
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** Says once a cause of waiting that somebody should know of. */
export function waiting(terminal: Pick<Terminal, 'note'>): (reason: string) => void {
  let said = '';
  return (reason) => {
    if (reason === said) return;
    said = reason;
    terminal.note(`waiting: ${printable(reason)}`);
  };
}
