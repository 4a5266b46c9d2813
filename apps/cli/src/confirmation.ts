/** Asking somebody at the terminal before what cannot be undone. */
import { createInterface } from 'node:readline';
import { refused } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Where answers come from: standard input, or something else than a person. */
export type AnswerSource = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  /** Of a terminal: whether what is typed arrives at once and unseen. */
  setRawMode?(raw: boolean): unknown;
};

/** Whether a person can be asked. */
export function isPerson(answers: AnswerSource): boolean {
  return answers.isTTY === true;
}

/** Asks for the word "yes". @throws Failure when another answer comes, or none */
export async function confirm(question: string, answers: AnswerSource, terminal: Terminal): Promise<void> {
  terminal.note(`${question} Type yes:`);
  const lines = createInterface({ input: answers });
  try {
    for await (const line of lines) {
      if (line.trim().toLowerCase() === 'yes') return;
      break;
    }
  } finally {
    lines.close();
  }
  throw refused('not confirmed; nothing was done');
}
