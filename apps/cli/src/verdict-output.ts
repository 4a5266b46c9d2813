/** How a verdict reaches people and programs. */
import { describe } from '@vitrine/verifier';
import type { DescribedVerdict } from '@vitrine/verifier';
import { printable } from './printable.ts';
import { styled } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Prints a verdict. @returns the exit code: 0 verified, 1 refused */
export function printVerdict(verdict: DescribedVerdict, json: boolean, terminal: Terminal): 0 | 1 {
  if (json) terminal.print(`${JSON.stringify(verdict)}\n`);
  else {
    const [sentence = '', ...lines] = printable(describe(verdict)).split('\n');
    const shown = lines.map((line) => {
      if (line.startsWith('✓')) return styled(terminal, 'green', '✓') + line.slice(1);
      if (line.startsWith('✗')) return styled(terminal, 'red', line);
      return styled(terminal, 'dim', line);
    });
    terminal.print([styled(terminal, 'bold', sentence), ...shown].join('\n'));
  }
  return verdict.ok ? 0 : 1;
}
