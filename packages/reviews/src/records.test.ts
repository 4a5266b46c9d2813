import { StatementError } from '@vitrine/statements';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkRecords,
  digestOfRecord,
  formatDetail,
  formatRecord,
  NO_RECORD,
  parseDetail,
  parseRecord,
  type ReadingRecord,
} from './index.ts';

const DIGEST = 'a'.repeat(64);
const DETAIL = { digest: DIGEST, from: 0, path: 'src/a.c', release: DIGEST, salt: 'b'.repeat(64), to: 10 };

function chain(length: number): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let i = 0; i < length; i++) {
    const previous = records.at(-1);
    records.push(
      formatRecord({
        atMs: 1_000 + i,
        bytes: 10,
        detail: digestOfRecord(formatDetail({ ...DETAIL, from: i, to: i + 10 })),
        engagement: DIGEST,
        number: i + 1,
        previous: previous === undefined ? NO_RECORD : digestOfRecord(previous),
        reader: DIGEST,
        session: DIGEST,
      }),
    );
  }
  return records;
}

const holds = (records: readonly Uint8Array[], head: string): boolean => {
  const outcome = checkRecords(records);
  return !('broken' in outcome) && outcome.head === head;
};

test('a chain holds, and its head stands for all of it', () => {
  const records = chain(5);
  const last = records.at(-1) ?? new Uint8Array();
  expect(checkRecords(records)).toMatchObject({ head: digestOfRecord(last), records: { length: 5 } });
  expect(checkRecords([])).toEqual({ head: NO_RECORD, records: [] });
});

test('left out, altered, out of order, repeated, put in, cut off: the head gives it away', () => {
  const records = chain(8);
  const head = digestOfRecord(records.at(-1) ?? new Uint8Array());
  fc.assert(
    fc.property(
      fc.nat(7),
      fc.nat(7),
      fc.constantFrom('out', 'swap', 'twice', 'alter', 'cut'),
      (at, other, what) => {
        const changed = [...records];
        const record = changed[at] ?? new Uint8Array();
        if (what === 'out') changed.splice(at, 1);
        if (what === 'twice') changed.splice(at, 0, record);
        if (what === 'cut') changed.length = at;
        if (what === 'alter') changed[at] = formatRecord({ ...parseRecord(record), bytes: 11 });
        if (what === 'swap') {
          changed[at] = changed[other] ?? record;
          changed[other] = record;
        }
        expect(holds(changed, head)).toBe(what === 'swap' && at === other);
      },
    ),
    { numRuns: 200 },
  );
});

test.each<[string, Partial<ReadingRecord>, RegExp]>([
  ['a gap', { number: 3 }, /number 3, and 2 comes next/],
  ['back in time', { atMs: 1 }, /earlier/],
  ['another reader', { reader: 'c'.repeat(64) }, /reader/],
  ['another engagement', { engagement: 'c'.repeat(64) }, /engagement/],
  ['another session', { session: 'c'.repeat(64) }, /session/],
  ['another past', { previous: 'c'.repeat(64) }, /another record/],
])('%s', (_name, changes, reason) => {
  const [first, second] = chain(2);
  if (first === undefined || second === undefined) throw new Error('the chain is too short');
  const outcome = checkRecords([first, formatRecord({ ...parseRecord(second), ...changes })]);
  if (!('broken' in outcome)) throw new Error('it holds');
  expect(outcome.broken.at).toBe(1);
  expect(outcome.broken.reason).toMatch(reason);
});

test('what is no record is named, and no detail is longer than it may be', () => {
  expect(checkRecords([new TextEncoder().encode('{}')])).toMatchObject({ broken: { at: 0 } });
  expect(parseDetail(formatDetail(DETAIL))).toEqual(DETAIL);
  expect(() => formatDetail({ ...DETAIL, path: 'x'.repeat(5_000) })).toThrow(StatementError);
  expect(() => parseDetail(new Uint8Array(9_000))).toThrow(StatementError);
});
