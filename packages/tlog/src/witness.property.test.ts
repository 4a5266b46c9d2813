import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeBase64,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatSignatureLines,
  formatSignSubtree,
  formatTreeSizeLine,
  MAX_NOTE_BYTES,
  MAX_REQUEST_HASHES,
  MAX_WITNESS_REQUEST_BYTES,
  parseAddCheckpoint,
  parseSignatureLines,
  parseSignSubtree,
  parseTreeSizeLine,
  TlogError,
} from './index.ts';

const numRuns = process.env['VITRINE_SOAK'] === undefined ? 200 : 10_000;

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const proof = fc.array(hash, { maxLength: MAX_REQUEST_HASHES });
const signature = fc.record({
  name: fc.constantFrom('log.example', 'witness.example/w1', '\u4f8b'),
  keyId: fc.nat(0xffff_ffff),
  signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
});
const signatures = fc.array(signature, { minLength: 1, maxLength: 5 });
const checkpoint = fc.record({
  origin: fc.constantFrom('log.example', 'a log', '\u4f8b'),
  treeSize: fc.maxSafeNat(),
  root: hash,
  extensions: fc.array(fc.constantFrom('x', 'old 5', '\u2014'), { maxLength: 2 }),
});
const signed = fc.record({ checkpoint, signatures }).map((each) => ({
  claimed: each.checkpoint,
  checkpointNote: formatNote({ text: formatCheckpoint(each.checkpoint), signatures: each.signatures }),
}));
const addCheckpoint = fc
  .record({ oldSize: fc.maxSafeNat(), proof, signed })
  .map(({ oldSize, proof: hashes, signed: each }) => ({ oldSize, proof: hashes, ...each }));

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof TlogError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
};

describe('parse is the inverse of format', () => {
  test('add-checkpoint requests, from text and from bytes', () => {
    fc.assert(
      fc.property(addCheckpoint, (request) => {
        const body = formatAddCheckpoint(request);
        expect(parseAddCheckpoint(body)).toEqual(request);
        expect(parseAddCheckpoint(new TextEncoder().encode(body))).toEqual(request);
      }),
      { numRuns },
    );
  });

  test('sign-subtree requests', () => {
    const subtree = fc
      .record({ level: fc.nat(40), index: fc.nat(1000), hash })
      .map(({ level, index, hash: root }) => ({
        start: index * 2 ** level,
        end: (index + 1) * 2 ** level,
        hash: root,
      }));
    fc.assert(
      fc.property(subtree, proof, signed, (range, hashes, { claimed, checkpointNote }) => {
        const request = { subtree: range, proof: hashes, checkpointNote };
        if (range.end > claimed.treeSize) {
          expect(refusal(() => formatSignSubtree(request))).toContain('the subtree ends at');
          return;
        }
        expect(parseSignSubtree(formatSignSubtree(request))).toEqual({ ...request, claimed });
      }),
      { numRuns },
    );
  });

  test('answers: signature lines, and the size that a witness holds', () => {
    fc.assert(
      fc.property(signatures, fc.maxSafeNat(), (lines, size) => {
        expect(parseSignatureLines(formatSignatureLines(lines))).toEqual(lines);
        expect(parseTreeSizeLine(formatTreeSizeLine(size))).toBe(size);
        expect(parseTreeSizeLine(new TextEncoder().encode(`${size}\n`))).toBe(size);
      }),
      { numRuns },
    );
    expect(refusal(() => formatSignatureLines([]))).toContain('malformed-note');
    for (const bad of [-1, 0.5, 2 ** 53]) expect(() => formatTreeSizeLine(bad)).toThrow(RangeError);
  });
});

describe('what is refused, and why', () => {
  const root = encodeBase64(new Uint8Array(32));
  const note = `log.example\n5\n${root}\n\n\u2014 log.example AAAAAAAA\n`;
  const add = (head: string): string => refusal(() => parseAddCheckpoint(`${head}\n\n${note}`));
  const subtree = (head: string): string => refusal(() => parseSignSubtree(`${head}\n\n${note}`));

  test('an old size line that is not exactly one', () => {
    expect(add('old 5')).toBe('accepted');
    expect(add(`old 0\n${root}`)).toBe('accepted');
    const heads = ['', 'old', 'old ', 'old 05', 'old +5', 'old 5 ', ' old 5', 'Old 5', 'old  5', 'old -1'];
    heads.push('old 5\r', 'old 0x5', 'old 1e3', 'old 9007199254740992', 'old 18446744073709551615', root);
    for (const head of heads) expect(add(head)).toMatch(/^malformed-request: .* line 1 is not "old <size>"/);
  });

  test('hashes that are not one of 32 bytes a line, or too many', () => {
    const lines = (count: number): string => `old 5\n${Array(count).fill(root).join('\n')}`;
    expect(add(lines(63))).toBe('accepted');
    expect(add(lines(64))).toContain('it has more than 63 hashes');
    expect(add(lines(20_000))).toContain('it has more than 63 hashes');
    expect(add(`old 5\n${root}\nAAAA`)).toContain('hash 2 has 3 bytes, not 32');
    expect(add(`old 5\n${root.replace(/A=$/, 'B=')}`)).toContain('hash 1 is not canonical Base 64');
    expect(add(`old 5\n${root} `)).toContain('hash 1 is not canonical Base 64');
    expect(add(`old 5\n${root}\r`)).toContain('hash 1 is not canonical Base 64');
  });

  test('a body that is cut, too large, not UTF-8, or whose checkpoint is none', () => {
    const whole = `old 5\n${root}\n\n${note}`;
    const parse = (body: string | Uint8Array): string => refusal(() => parseAddCheckpoint(body));
    expect(parse(whole)).toBe('accepted');
    for (let length = 0; length < whole.length; length++) {
      expect(parse(whole.slice(0, length))).toMatch(/^malformed-request: malformed add-checkpoint request: /);
    }
    expect(parse(`${whole}\n`)).toContain('its checkpoint does not parse: ');
    expect(parse(whole.replace('\n5\n', '\n05\n'))).toContain('line 2 is not a tree size');
    expect(parse(whole.replaceAll('\n', '\r\n'))).toContain('no blank line');
    expect(parse('x'.repeat(MAX_WITNESS_REQUEST_BYTES + 1))).toContain('larger than');
    expect(parse(new Uint8Array(10_000_000))).toContain('larger than');
    expect(parse(Uint8Array.of(0x6f, 0xff))).toContain('not UTF-8');
    const padded = 'A'.repeat(MAX_NOTE_BYTES - note.length - 24);
    const large = `${note}\u2014 log.example ${padded.slice(padded.length % 4)}\n`;
    expect(parse(`old 5\n${Array(63).fill(root).join('\n')}\n\n${large}`)).toBe('accepted');
  });

  test('a range that is no subtree of the checkpoint', () => {
    expect(subtree(`subtree 4 5\n${root}`)).toBe('accepted');
    expect(subtree(`subtree 0 5\n${root}\n${root}`)).toBe('accepted');
    expect(subtree(`subtree 4 6\n${root}`)).toContain('the subtree ends at 6, the checkpoint at 5');
    expect(subtree(`subtree 1 3\n${root}`)).toContain('leaves 1 to 3 are no subtree');
    expect(subtree(`subtree 3 3\n${root}`)).toContain('leaves 3 to 3 are no subtree');
    expect(subtree(`subtree 4 2\n${root}`)).toContain('leaves 4 to 2 are no subtree');
    for (const head of ['subtree 0', 'subtree 0 5 ', 'subtree 00 5', 'subtree 0 5 6', 'subtree  0 5', '']) {
      expect(subtree(`${head}\n${root}`)).toContain('line 1 is not "subtree <start> <end>"');
    }
    expect(subtree('subtree 0 5')).toContain('the subtree hash on line 2');
    expect(subtree('subtree 0 5\nAAAA')).toContain('the subtree hash on line 2 has 3 bytes');
  });

  test('a size that is not one canonical line', () => {
    const bodies = ['', '\n', '5', '5\n\n', '05\n', ' 5\n', '5\r\n', '-1\n', '9007199254740992\n', 'x\n'];
    for (const body of [...bodies, `5\n${' '.repeat(40)}`, '5'.repeat(10_000_000)]) {
      expect(refusal(() => parseTreeSizeLine(body))).toContain('malformed-answer: malformed tree size');
      expect(refusal(() => parseTreeSizeLine(new TextEncoder().encode(body)))).toContain('malformed-answer');
    }
  });
});

test('parsers throw nothing but TlogError, and accept only what they would write', () => {
  const edits = fc.array(fc.tuple(fc.nat(2000), fc.string({ unit: 'binary', maxLength: 3 })), {
    maxLength: 4,
  });
  const damaged = fc.tuple(addCheckpoint.map(formatAddCheckpoint), edits).map(([text, changes]) =>
    changes.reduce((result, [at, put]) => {
      const cut = at % (result.length + 1);
      return result.slice(0, cut) + put + result.slice(cut + (at % 3));
    }, text),
  );
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string({ unit: 'binary' })), (body) => {
      const bytes = new TextEncoder().encode(body);
      let parsed: ReturnType<typeof parseAddCheckpoint> | undefined;
      try {
        parsed = parseAddCheckpoint(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(TlogError);
      }
      if (parsed !== undefined) expect(new TextEncoder().encode(formatAddCheckpoint(parsed))).toEqual(bytes);
      refusal(() => parseSignSubtree(bytes));
      refusal(() => parseTreeSizeLine(bytes));
    }),
    { numRuns: numRuns * 5 },
  );
});
