/** Where a command writes: results to standard output, everything else to standard error. */
import type { Progress } from './progress.ts';

export interface Terminal {
  /** Writes to standard output. Control characters of others' texts are taken out first by `printable`. */
  print(text: string): void;
  /** One line on standard error. */
  note(text: string): void;
  readonly colour: boolean;
  readonly progress: Progress;
}

const styles = { bold: '1', red: '31', green: '32', dim: '2' } as const;

/** Wraps a text in a style, where the terminal shows styles. */
export function styled(terminal: Pick<Terminal, 'colour'>, style: keyof typeof styles, text: string): string {
  return terminal.colour ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
}
