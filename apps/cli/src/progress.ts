/** Progress of long work: a bar on a terminal, plain lines elsewhere, silence for programs. */

import { printable } from './printable.ts';

/** What is counted. */
export type Unit = 'bytes' | 'files' | 'entries';

export interface ProgressTask {
  /** @param done of the task's total, in its own unit */
  update(done: number): void;
  /** Ends the task; `summary` is what stays on the screen. */
  end(summary: string): void;
}

export interface Progress {
  /** @param total undefined when it is not known beforehand */
  start(label: string, unit: Unit, total?: number): ProgressTask;
}

const silentTask: ProgressTask = { update: () => undefined, end: () => undefined };
export const silent: Progress = { start: () => silentTask };

const PLAIN_LINE_EVERY_MS = 10_000;
const BAR_EVERY_MS = 80;
const BAR_WIDTH = 24;

/** One line at the beginning, one every ten seconds, one at the end. */
export function plainProgress(write: (text: string) => void, now: () => number): Progress {
  return {
    start(label, unit, total) {
      const name = printable(label);
      let shownAt = now();
      return {
        update(done) {
          if (now() - shownAt < PLAIN_LINE_EVERY_MS) return;
          shownAt = now();
          write(`${name}: ${amount(unit, done)}${total === undefined ? '' : ` of ${amount(unit, total)}`}\n`);
        },
        end: (summary) => write(`${name}: ${printable(summary)}\n`),
      };
    },
  };
}

/** One bar that redraws itself. */
export function barProgress(write: (text: string) => void, now: () => number): Progress {
  return {
    start(label, unit, total) {
      const name = printable(label);
      let shownAt = 0;
      return {
        update(done) {
          if (now() - shownAt < BAR_EVERY_MS) return;
          shownAt = now();
          write(`\r\u001b[2K${name} ${bar(done, total)} ${amount(unit, done)}`);
        },
        end: (summary) => write(`\r\u001b[2K${name}: ${printable(summary)}\n`),
      };
    },
  };
}

function bar(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return '';
  const share = Math.min(1, done / total);
  const filled = Math.floor(share * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${Math.floor(share * 100)} %`;
}

function amount(unit: Unit, value: number): string {
  return unit === 'bytes' ? formatBytes(value) : `${value.toLocaleString('en')} ${unit}`;
}

/** 1536 as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}
