import { CopyButton } from './copy-button.tsx';

/** A command to copy. */
export function CommandLine({ command, what }: { readonly command: string; readonly what: string }) {
  return (
    <div className="flex items-start gap-2 border border-line bg-raised py-2 pr-2 pl-4">
      <pre className="min-w-0 flex-1 py-1 whitespace-pre-wrap [overflow-wrap:anywhere]">
        <code>{command}</code>
      </pre>
      <CopyButton text={command} what={what} />
    </div>
  );
}
