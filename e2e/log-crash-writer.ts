/**
 * Appends to the logs of a folder until it is killed, and says on standard output what was acknowledged and what
 * was published, one line each: `ack LOG INDEX ENTRY`, `shown LOG SIZE ROOT`.
 *
 *     node --conditions=@vitrine/source e2e/log-crash-writer.ts DATA_DIR ROUND
 */
import { writeSync } from 'node:fs';
import type { Log } from '../apps/server/src/log/log.ts';
import { errorCode } from '../apps/server/src/storage/log-files/file-system.ts';
import { LOG_NAMES, openCrashLogs } from './log-crash-log.ts';

const [dataDir = '', round = '0'] = process.argv.slice(2);
const LANES = 8;

/** Synchronous: what was written before the kill is in the pipe. A full pipe is tried again. */
function say(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
    }
  }
}

async function lane(log: Log, number: number): Promise<void> {
  for (let i = 0; ; i++) {
    // The lane next door appends some of the same entries.
    const texts = Array.from(
      { length: 1 + (i % 7) },
      (_, j) => `${round}.${Math.floor(number / 2)}.${i}.${j}`,
    );
    const appended = await log.append(texts.map((text) => Buffer.from(text)));
    for (const [j, { leafIndex }] of appended.entries())
      say(`ack ${log.name} ${leafIndex} ${texts[j] ?? ''}`);
  }
}

const logs = await openCrashLogs(dataDir);
say('open');
await Promise.all(
  LOG_NAMES.flatMap((name) => {
    const log = logs.get(name);
    log.onPublished(({ size, root }) => say(`shown ${name} ${size} ${Buffer.from(root).toString('hex')}`));
    return Array.from({ length: LANES }, (_, number) => lane(log, number));
  }),
);
