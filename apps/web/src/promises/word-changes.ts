/** Which words of a text are new and which are gone, by a longest common subsequence. */

export interface TextPart {
  readonly text: string;
  /** Only in the older, only in the newer, or in both. */
  readonly where: 'older' | 'newer' | 'both';
}

/** Longer texts are shown as they are: the table below grows with the square. */
const MAX_WORDS = 1_500;

/** The parts of both texts, in reading order; null when they are too long to be compared word by word. */
export function wordChanges(older: string, newer: string): readonly TextPart[] | null {
  const left = wordsOf(older);
  const right = wordsOf(newer);
  if (left.length > MAX_WORDS || right.length > MAX_WORDS) return null;
  const common = commonLengths(left, right);
  const parts: { text: string; where: TextPart['where'] }[] = [];
  const push = (text: string, where: TextPart['where']): void => {
    const last = parts.at(-1);
    if (last?.where === where) last.text += text;
    else parts.push({ text, where });
  };
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]];
    if (a !== undefined && a === b) {
      push(a, 'both');
      i++;
      j++;
    } else if (
      b === undefined ||
      (a !== undefined && lengthAt(common, i + 1, j) >= lengthAt(common, i, j + 1))
    ) {
      push(a ?? '', 'older');
      i++;
    } else {
      push(b, 'newer');
      j++;
    }
  }
  return parts;
}

/** Words, each with the white space behind it, so that they join to the text again. */
function wordsOf(text: string): readonly string[] {
  return text.match(/\s+|\S+\s*/gu) ?? [];
}

/** `[i][j]`: how many words the rests from i and from j have in common. */
function commonLengths(left: readonly string[], right: readonly string[]): readonly Uint16Array[] {
  const rows = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--) {
    const row = rows[i];
    if (row === undefined) continue;
    for (let j = right.length - 1; j >= 0; j--)
      row[j] =
        left[i] === right[j]
          ? lengthAt(rows, i + 1, j + 1) + 1
          : Math.max(lengthAt(rows, i + 1, j), lengthAt(rows, i, j + 1));
  }
  return rows;
}

function lengthAt(rows: readonly Uint16Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}
