/**
 * What a benchmark says: one JSON line a figure on standard output, and words for a person on standard error.
 * bench/run.ts gathers the lines of all of them into docs/benchmarks.md.
 */
import * as v from 'valibot';

export const FigureSchema = v.strictObject({
  /** What was measured, in words, with its load. */
  name: v.string(),
  value: v.number(),
  unit: v.string(),
  /** Beside what it was measured, in the same run, on the same machine. */
  peer: v.optional(v.string()),
  peerValue: v.optional(v.number()),
  /** value / peerValue, or the other way round where less is better; above 1 is better than the peer. */
  ratio: v.optional(v.number()),
  /** How to measure it again. */
  command: v.string(),
});

export type Figure = v.InferOutput<typeof FigureSchema>;

/** Prints one figure. */
export function report(figure: Figure): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

/** @throws Error naming the line that is no figure */
export function parseFigures(output: string): Figure[] {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      try {
        return v.parse(FigureSchema, JSON.parse(line));
      } catch (cause) {
        throw new Error(`not a figure: ${line.slice(0, 200)}`, { cause });
      }
    });
}
