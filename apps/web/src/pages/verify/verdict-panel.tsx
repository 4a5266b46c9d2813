import type { Check } from '@vitrine/verifier';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { quietAction } from '../../components/action.ts';
import { CheckList, ResultSign } from '../../components/check-list.tsx';
import type { ShownCheck } from '../../components/check-list.tsx';
import { CommandLine } from '../../components/command-line.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { Facts } from '../../components/facts.tsx';
import type { Fact } from '../../components/facts.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { formatByteSize, formatCount } from '../../formats/byte-size.ts';
import { shellQuote } from '../../formats/shell-quote.ts';
import { shortenDigest } from '../../formats/shortened-digest.ts';
import { saveFile } from '../../save-file.ts';
import type { Judgement } from '../../verification/file-check.ts';
import { checkTitles } from './check-names.ts';

function shown({ name, ok, reason, collusion }: Check, withCollusion: boolean): ShownCheck {
  return {
    name: checkTitles[name],
    ok,
    reason: `${ok ? 'Holds' : 'Does not hold'}: ${reason}`,
    below:
      collusion === null || !withCollusion ? null : (
        <p className="mt-1 text-sm text-soft">False only if: {collusion}</p>
      ),
  };
}

/** The checks; who would have to collude for each to be false is one click below. */
function Checks({ checks }: { readonly checks: readonly Check[] }) {
  const [withCollusion, setWithCollusion] = useState(false);
  const failing = checks.filter(({ ok }) => !ok).length;
  return (
    <section aria-label="Checks">
      <h3 className="mb-3">
        {failing === 0
          ? `All ${checks.length} checks hold`
          : `${failing} of ${checks.length} checks ${failing === 1 ? 'does' : 'do'} not hold`}
      </h3>
      <CheckList checks={checks.map((check) => shown(check, withCollusion))} />
      <button
        type="button"
        aria-expanded={withCollusion}
        className="no-print link mt-2 min-h-8 rounded-sm text-left text-sm"
        onClick={() => {
          setWithCollusion(!withCollusion);
        }}
      >
        {withCollusion
          ? 'Hide who would have to act together'
          : 'Who would have to act together for each to be false'}
      </button>
    </section>
  );
}

const SHA256_IN_TEXT = /\b([0-9a-f]{64})\b/;

/** The verdict's sentence; a digest in it is shortened, because all of it stands below. */
function Sentence({ text }: { readonly text: string }) {
  return text
    .split(SHA256_IN_TEXT)
    .map((part, at) => (at % 2 === 0 ? part : <code key={part}>{shortenDigest(part)}</code>));
}

function subjectFacts({ verdict, sha256, file }: Judgement): readonly Fact[] {
  const { about, asOf } = verdict;
  const facts: Fact[] = [];
  if (about?.product !== undefined && about.version !== undefined)
    facts.push({
      term: 'Release',
      value: (
        <Link
          to="/products/$product/$version"
          params={{ product: about.product, version: about.version }}
          className="link"
        >
          {about.product} {about.version}
        </Link>
      ),
    });
  const digest = sha256 ?? about?.sha256;
  // What was asked about without a file already stands at the head of its page.
  if (digest !== undefined && (file !== undefined || sha256 === null))
    facts.push({ term: 'SHA-256', value: <Digest value={digest} of="the file" /> });
  const size = file?.sizeBytes ?? about?.sizeBytes;
  if (size !== undefined)
    facts.push({ term: 'Size', value: `${formatByteSize(size)} (${formatCount(size)} bytes)` });
  if (about !== null)
    facts.push({
      term: 'Registered',
      value: (
        <>
          <LogTime timeMs={about.registeredAtMs} /> as{' '}
          <Link
            to="/logs/$log/$index"
            params={{ log: 'statements', index: String(about.leafIndex) }}
            className="link"
          >
            entry {about.leafIndex}
          </Link>
        </>
      ),
    });
  facts.push({
    term: 'As of',
    value:
      asOf === null ? (
        'no state of the log: its checkpoint does not stand'
      ) : (
        <>
          root size {formatCount(asOf.rootSize)}, log time <LogTime timeMs={Date.parse(asOf.logTime)} />
        </>
      ),
  });
  return facts;
}

function evidenceName({ verdict, sha256 }: Judgement): string {
  return `${verdict.about?.name ?? sha256 ?? 'statement'}.evidence`;
}

function citeLink({ verdict, sha256 }: Judgement): string | null {
  const digest = sha256 ?? verdict.about?.sha256;
  if (digest === undefined || verdict.asOf === null) return null;
  return `${window.location.origin}/verify/${digest}?root=${verdict.asOf.rootSize}`;
}

function outcome({ verdict, file }: Judgement): string {
  if (!verdict.ok) return 'Refused';
  return file === undefined ? 'Holds for this digest' : 'Verified';
}

/** A verdict like the label beside an exhibit: the sentence, then the checks, then what nobody has shown. */
export function VerdictPanel({
  judgement,
  name,
}: {
  readonly judgement: Judgement;
  readonly name: string | null;
}) {
  const { verdict, evidence, evidenceSource, namedBy } = judgement;
  const link = citeLink(judgement);
  const saveName = evidenceName(judgement);
  const elsewhere = namedBy.filter(
    ({ product, version }) => product !== verdict.about?.product || version !== verdict.about.version,
  );
  return (
    <div>
      <p
        className={`flex items-center gap-2 text-lg font-semibold ${verdict.ok ? 'text-accent' : 'text-refuse'}`}
      >
        <ResultSign ok={verdict.ok} />
        {outcome(judgement)}
      </p>
      <p className="mt-1 mb-6 max-w-3xl font-serif text-xl [overflow-wrap:anywhere]">
        <Sentence text={verdict.sentence} />
      </p>
      <Facts facts={subjectFacts(judgement)} />
      {elsewhere.length === 0 ? null : (
        <p className="mt-4">
          Also named by{' '}
          {elsewhere.map(({ product, version, index }, at) => (
            <span key={index}>
              {at === 0 ? '' : ', '}
              <Link to="/products/$product/$version" params={{ product, version }} className="link">
                {product} {version}
              </Link>
            </span>
          ))}
          .
        </p>
      )}
      <div className="mt-10 grid gap-x-14 gap-y-10 lg:grid-cols-[minmax(0,7fr)_minmax(0,5fr)]">
        <Checks checks={verdict.checks} />
        <section aria-label="What is not shown">
          <h3 className="mb-3">What is not shown</h3>
          <ul className="space-y-2.5 border-t border-line pt-3 text-soft">
            {verdict.notShown.map((line) => (
              <li key={line} className="[overflow-wrap:anywhere]">
                {line}
              </li>
            ))}
          </ul>
        </section>
      </div>
      <div className="no-print mt-8 flex flex-wrap items-center gap-3">
        <button
          type="button"
          className={quietAction}
          onClick={() => {
            saveFile(saveName, new Uint8Array(evidence), 'application/vnd.vitrine.evidence+json');
          }}
        >
          Save the evidence
        </button>
        {link === null ? null : (
          <CopyButton text={link} what="a link to this verdict at this root size">
            Copy a link that cites it
          </CopyButton>
        )}
      </div>
      <div className="mt-4 border-t border-line">
        <Disclosure summary="The same by command line">
          <CommandLine
            what="the verify command"
            command={`vitrine verify ${shellQuote(verdict.about?.name ?? name ?? 'FILE')} --policy vitrine-policy.txt --evidence ${shellQuote(saveName)}`}
          />
          <p className="mt-3 text-sm text-soft">
            {evidenceSource === 'own'
              ? 'The evidence was yours; nothing about the file was sent anywhere.'
              : 'The centre was asked by digest; the file itself was not sent.'}
          </p>
        </Disclosure>
      </div>
    </div>
  );
}
