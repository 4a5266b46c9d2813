import type { NewWatch, Watch, Watched } from '@vitrine/api';
import { useEffect, useRef, useState } from 'react';
import type { SubmitEvent } from 'react';
import { addWatch, confirmWatch, removeWatch, showWatch } from '../../api-client.ts';
import { field, primaryAction, quietAction } from '../../components/action.ts';
import { CommandLine } from '../../components/command-line.tsx';
import { Facts } from '../../components/facts.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { ProblemNotice } from '../../components/problem-notice.tsx';

/** The centre waits 15 s for an answer to its challenge. */
const LOOK_EVERY_MS = 2_000;

/** Asks for a webhook, then shows what came of it. */
export function WebhookForm({ watched }: { readonly watched: Watched | null }) {
  const [added, setAdded] = useState<NewWatch | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);

  async function ask(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const url = new FormData(event.currentTarget).get('url');
    if (watched === null || typeof url !== 'string') {
      document.getElementById('watched-name')?.focus();
      return;
    }
    setIsBusy(true);
    setProblem(null);
    try {
      setAdded(await addWatch(url.trim(), watched));
    } catch (error) {
      setProblem(error);
    }
    setIsBusy(false);
  }

  if (added !== null)
    return (
      <AddedWatch
        added={added}
        onGone={() => {
          setAdded(null);
        }}
      />
    );
  return (
    <form
      className="max-w-3xl"
      onSubmit={(event) => {
        void ask(event);
      }}
    >
      <label htmlFor="webhook-url" className="mb-1 block text-sm text-soft">
        Address to post to
      </label>
      <div className="flex flex-wrap gap-3 sm:flex-nowrap">
        <input
          id="webhook-url"
          name="url"
          type="url"
          required
          maxLength={2_048}
          placeholder="https://"
          autoComplete="off"
          spellCheck={false}
          className={field}
        />
        <button type="submit" className={`${primaryAction} shrink-0`} disabled={isBusy}>
          Ask for it
        </button>
      </div>
      {watched === null ? (
        <p className="mt-2 text-sm text-soft">Say first, above, of what you want to be told.</p>
      ) : null}
      {problem === null ? null : (
        <div className="mt-4">
          <ProblemNotice error={problem} />
        </div>
      )}
    </form>
  );
}

const states: Readonly<Record<Watch['state'], string>> = {
  unconfirmed: 'Not confirmed: the address has not answered the challenge',
  active: 'Active: the address is told',
  suspended: 'Suspended: the address has taken nothing for days',
  ended: 'Ended: the address answered 410 Gone',
};

function AddedWatch({ added, onGone }: { readonly added: NewWatch; readonly onGone: () => void }) {
  const [watch, setWatch] = useState<Watch | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const failure = watch?.failure ?? null;
  const isWaiting = (watch === null || watch.state === 'unconfirmed') && problem === null;

  useEffect(() => {
    heading.current?.focus();
  }, [added]);

  useEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setInterval(() => {
      showWatch(added).then(setWatch, setProblem);
    }, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
    };
  }, [added, isWaiting]);

  return (
    <div className="max-w-3xl">
      <h3 ref={heading} tabIndex={-1} className="mb-3 outline-none">
        Keep the secret: it is shown this once
      </h3>
      <CommandLine command={added.secret} what="the secret" />
      <div className="mt-5">
        <Facts
          facts={[
            {
              term: 'Watch',
              value: <code className="[overflow-wrap:anywhere]">{added.id}</code>,
            },
            { term: 'State', value: <span role="status">{states[watch?.state ?? 'unconfirmed']}</span> },
            ...(failure === null ? [] : [{ term: 'What failed', value: failure.reason }]),
            ...(watch?.state === 'active'
              ? []
              : [{ term: 'Forgotten', value: <LogTime timeMs={watch?.expiresAt ?? added.expiresAt} /> }]),
          ]}
        />
      </div>
      {problem === null ? null : (
        <div className="mt-4">
          <ProblemNotice error={problem} />
        </div>
      )}
      <div className="no-print mt-5 flex flex-wrap gap-3">
        <button
          type="button"
          className={quietAction}
          onClick={() => {
            setProblem(null);
            confirmWatch(added).then(setWatch, setProblem);
          }}
        >
          Challenge the address again
        </button>
        <button
          type="button"
          className={quietAction}
          onClick={() => {
            removeWatch(added).then(onGone, setProblem);
          }}
        >
          End this watch
        </button>
      </div>
    </div>
  );
}
