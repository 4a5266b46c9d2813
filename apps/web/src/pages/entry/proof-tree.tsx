import { encodeHex } from '@vitrine/tlog';
import { useId } from 'react';
import { countOf } from '../../formats/byte-size.ts';
import { shortenDigest } from '../../formats/shortened-digest.ts';
import { spanInBrief, spanInWords } from './proof-steps.ts';
import type { ProofStep } from './proof-steps.ts';

/** Measures of the drawing, which is made for a phone's width and only grows from there. */
const WIDTH = 356;
const SPINE_X = WIDTH / 2;
const SIBLING_X = 84;
const LEVEL_HEIGHT = 74;
const MARGIN = 38;

interface ProofTreeProps {
  readonly leafIndex: number;
  readonly leafHash: Uint8Array;
  readonly treeSize: number;
  readonly steps: readonly ProofStep[];
}

function siblingX(side: ProofStep['side']): number {
  return side === 'left' ? SPINE_X - SIBLING_X : SPINE_X + SIBLING_X;
}

function brief(hash: Uint8Array): string {
  return encodeHex(hash).slice(0, 8);
}

/** The path of one leaf up to the root, with the hashes that the proof gives beside it. */
export function ProofTree({ leafIndex, leafHash, treeSize, steps }: ProofTreeProps) {
  const titleId = useId();
  const height = steps.length * LEVEL_HEIGHT + 2 * MARGIN;
  const root = steps.at(-1)?.node ?? leafHash;
  function levelY(level: number): number {
    return height - MARGIN - level * LEVEL_HEIGHT;
  }
  return (
    <figure className="max-w-md">
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={titleId} className="w-full">
        <title id={titleId}>
          {`Entry ${leafIndex} is hashed with ${steps.length} given hashes up to the root ${shortenDigest(encodeHex(root))} of ${countOf(treeSize, 'entry', 'entries')}. The list beside it says the same in words.`}
        </title>
        <g fill="none" strokeWidth="1.5">
          {steps.map(({ side, first }, level) => {
            const x = siblingX(side);
            const y = levelY(level);
            const joinY = levelY(level + 1);
            const bend = LEVEL_HEIGHT * 0.6;
            return (
              <path
                key={first}
                className="stroke-strong"
                d={`M${x} ${y} C${x} ${y - bend} ${SPINE_X} ${joinY + bend} ${SPINE_X} ${joinY}`}
              />
            );
          })}
          <path
            className="stroke-accent"
            strokeWidth="2"
            d={`M${SPINE_X} ${levelY(0)} V${levelY(steps.length)}`}
          />
        </g>
        {steps.map(({ side, sibling, first, last, node }, level) => {
          const x = siblingX(side);
          const y = levelY(level);
          const nodeY = levelY(level + 1);
          const outward = side === 'left' ? -12 : 12;
          return (
            <g key={first} className="text-[11.5px]">
              <circle cx={x} cy={y} r="5" className="fill-paper stroke-soft" strokeWidth="1.5" />
              <g textAnchor={side === 'left' ? 'end' : 'start'}>
                <text x={x + outward} y={y - 2} className="fill-ink font-mono">
                  {brief(sibling)}
                </text>
                <text x={x + outward} y={y + 12} className="fill-soft">
                  {spanInBrief({ first, last })}
                </text>
              </g>
              {level === steps.length - 1 ? null : (
                <>
                  <circle cx={SPINE_X} cy={nodeY} r="5" className="fill-accent" />
                  <text
                    x={SPINE_X + (side === 'left' ? 12 : -12)}
                    y={nodeY + 4}
                    textAnchor={side === 'left' ? 'start' : 'end'}
                    className="fill-ink font-mono"
                  >
                    {brief(node)}
                  </text>
                </>
              )}
            </g>
          );
        })}
        <g className="text-[11.5px]" textAnchor="middle">
          <circle
            cx={SPINE_X}
            cy={levelY(steps.length)}
            r="9"
            className="fill-paper stroke-accent"
            strokeWidth="1.5"
          />
          <circle cx={SPINE_X} cy={levelY(steps.length)} r="5" className="fill-accent" />
          <text x={SPINE_X} y={levelY(steps.length) - 18} className="fill-ink">
            <tspan className="font-mono">{brief(root)}</tspan> root
          </text>
          {steps.length === 0 ? null : (
            <rect x={SPINE_X - 6} y={levelY(0) - 6} width="12" height="12" className="fill-accent" />
          )}
          <text x={SPINE_X} y={levelY(0) + 24} className="fill-ink">
            <tspan className="font-mono">{brief(leafHash)}</tspan>{' '}
            <tspan className="font-semibold">entry {leafIndex}</tspan>
          </text>
        </g>
      </svg>
      <figcaption className="mt-2 text-sm text-soft">
        Filled: computed in this page from the entry’s bytes. Hollow: given by the proof.
      </figcaption>
    </figure>
  );
}

/** The same as the drawing, for reading, copying and listening. */
export function ProofInWords({ leafIndex, leafHash, treeSize, steps }: ProofTreeProps) {
  return (
    <ol className="list-decimal space-y-3 pl-6 text-sm">
      <li>
        The bytes of entry {leafIndex} hash to <code className="break-all">{encodeHex(leafHash)}</code>.
      </li>
      {steps.map(({ side, sibling, first, last, node }) => (
        <li key={`${first}-${last}`}>
          With <code className="break-all">{encodeHex(sibling)}</code> on the {side} (the hash of{' '}
          {spanInWords({ first, last })}) that gives <code className="break-all">{encodeHex(node)}</code>.
        </li>
      ))}
      <li>That is the root of the tree of {countOf(treeSize, 'entry', 'entries')}.</li>
    </ol>
  );
}
