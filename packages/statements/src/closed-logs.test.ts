import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEYS_ORIGIN, ROOT_ORIGIN } from '../test/keys-log-builder.ts';
import {
  CLOSED_TYPE,
  type ClosedLog,
  type ClosedPredicate,
  closedLogOf,
  closedStatement,
  headStatement,
  type RootStatement,
  whyPastEnd,
} from './index.ts';

const ROOT_A = 'a'.repeat(64);
const ROOT_B = 'b'.repeat(64);
const BUILDS = 'acme.example/builds';

function closing(origin: string, treeSize: number, successor?: string): RootStatement {
  return closedStatement({
    closed: { origin, root: ROOT_A, treeSize },
    log: ROOT_ORIGIN,
    reason: { digest: ROOT_A },
    ...(successor === undefined
      ? {}
      : { successor: { origin: successor, url: 'https://next.example', vkey: `${successor}+00000000+AA` } }),
  });
}

function head(origin: string, treeSize: number, root = ROOT_A): RootStatement {
  return headStatement({ head: { origin, root, treeSize }, log: ROOT_ORIGIN });
}

/** Folds as a view does: what is refused changes nothing. @returns why each counts for nothing */
function fold(statements: readonly RootStatement[]): readonly (string | undefined)[] {
  const closed = new Map<string, ClosedLog>();
  return statements.map((statement, leafIndex) => {
    const reason = whyPastEnd(statement, closed, { leafIndex, origin: ROOT_ORIGIN, keysOrigin: KEYS_ORIGIN });
    if (reason === undefined && statement.predicateType === CLOSED_TYPE)
      closed.set(statement.predicate.closed.origin, closedLogOf(statement, leafIndex));
    return reason;
  });
}

describe('after a closing', () => {
  test('heads up to the last size count, heads past it and of another root do not', () => {
    expect(
      fold([
        head(BUILDS, 3),
        closing(BUILDS, 5),
        head(BUILDS, 4),
        head(BUILDS, 5),
        head(BUILDS, 5, ROOT_B),
        head(BUILDS, 6),
        head('acme.example/other', 6),
      ]),
    ).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      expect.stringContaining('another root'),
      expect.stringContaining('at 5 entries, and it names 6'),
      undefined,
    ]);
  });

  test('a log is closed once', () => {
    expect(fold([closing(BUILDS, 5), closing(BUILDS, 9)])).toEqual([
      undefined,
      expect.stringContaining('entry 0 closed acme.example/builds already'),
    ]);
  });

  test('a successor has another name, a key of that name, and entry 0 where it follows a root log', () => {
    const after = (origin: string, successor: ClosedPredicate['successor']): RootStatement =>
      closedStatement({
        closed: { origin, root: ROOT_A, treeSize: 0 },
        log: ROOT_ORIGIN,
        reason: { digest: ROOT_A },
        ...(successor === undefined ? {} : { successor }),
      });
    const next = {
      origin: 'next.example/a',
      url: 'https://next.example',
      vkey: 'next.example/a+00000000+AA',
    };
    const why = (origin: string, successor: ClosedPredicate['successor']) =>
      fold([after(origin, successor)])[0];
    expect(why(BUILDS, next)).toBeUndefined();
    expect(why(ROOT_ORIGIN, { ...next, entry0: ROOT_A })).toBeUndefined();
    expect(why(BUILDS, { ...next, entry0: ROOT_A })).toContain('belongs to the root log');
    expect(why(ROOT_ORIGIN, next)).toContain('does not name entry 0');
    expect(why(BUILDS, { ...next, origin: BUILDS })).toContain('under another name');
    expect(why(BUILDS, { ...next, vkey: 'other.example+00000000+AA' })).toContain(
      'is not named next.example/a',
    );
  });

  test('nothing goes on in what is closed', () => {
    expect(fold([closing(BUILDS, 5), closing('acme.example/next', 1, BUILDS)])[1]).toContain('closed itself');
  });

  test('the keys log is never closed by itself', () => {
    expect(fold([closing(KEYS_ORIGIN, 4)])[0]).toContain('ends with the root log');
  });

  test('a closing of the root log is its last entry, and nothing after it counts', () => {
    expect(
      fold([
        closing(ROOT_ORIGIN, 4),
        closing(ROOT_ORIGIN, 1),
        head(BUILDS, 1),
        head(KEYS_ORIGIN, 9),
        closing(BUILDS, 1),
      ]),
    ).toEqual([
      expect.stringContaining('it names 4 entries, and stands at 0'),
      undefined,
      ...[1, 1, 1].map((at) => `entry ${at} closed the root log: nothing after it counts`),
    ]);
  });
});

test('property: no head past an end counts, no log ends twice, and nothing follows the end of the root log', () => {
  const origin = fc.constantFrom(BUILDS, 'acme.example/other', KEYS_ORIGIN, ROOT_ORIGIN);
  const statement = fc.oneof(
    fc.tuple(origin, fc.nat(6)).map(([of, size]) => head(of, size)),
    fc.tuple(origin, fc.nat(6)).map(([of, size]) => closing(of, size)),
  );
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 12 }), (statements) => {
      const counting = fold(statements).flatMap((reason, leafIndex) => {
        const each = statements[leafIndex];
        return reason === undefined && each !== undefined ? [{ each, leafIndex }] : [];
      });
      const ends = new Map<string, number>();
      for (const { each, leafIndex } of counting) {
        expect(ends.has(ROOT_ORIGIN)).toBe(false);
        if (each.predicateType === CLOSED_TYPE) {
          const { origin: of, treeSize } = each.predicate.closed;
          expect(ends.has(of)).toBe(false);
          expect(of).not.toBe(KEYS_ORIGIN);
          if (of === ROOT_ORIGIN) expect(treeSize).toBe(leafIndex);
          ends.set(of, treeSize);
        } else if ('head' in each.predicate)
          expect(each.predicate.head.treeSize).toBeLessThanOrEqual(
            ends.get(each.predicate.head.origin) ?? Number.POSITIVE_INFINITY,
          );
      }
    }),
  );
});
