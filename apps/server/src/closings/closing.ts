/** The end of a log, as an entry of the root log says it. */
import type { LogClosing } from '@vitrine/api';
import type { ClosedStatement } from '@vitrine/statements';

/** What a statement says of the log that it closes, with where and when it was said. */
export function closingOf(
  { predicate: { closed, reason, successor } }: ClosedStatement,
  { leafIndex, registeredAtMs }: { readonly leafIndex: number; readonly registeredAtMs: number },
): LogClosing {
  return {
    origin: closed.origin,
    size: closed.treeSize,
    root: closed.root,
    index: leafIndex,
    closedAt: registeredAtMs,
    reasonDigest: reason.digest,
    successor:
      successor === undefined
        ? null
        : {
            origin: successor.origin,
            url: successor.url,
            vkey: successor.vkey,
            entry0: successor.entry0 ?? null,
          },
  };
}

/** “acme.example/statements is closed since 2026-11-24T21:00:00.000Z and goes on in next.example/statements, https://next.example/logs/statements” */
export function closingInWords({ closedAt, origin, successor }: LogClosing): string {
  const next = successor === null ? 'has no successor' : `goes on in ${successor.origin}, ${successor.url}`;
  return `${origin} is closed since ${new Date(closedAt).toISOString()} and ${next}`;
}
