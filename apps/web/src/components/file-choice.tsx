import { useRef } from 'react';

interface FileChoiceProps {
  readonly label: string;
  readonly className: string;
  readonly multiple?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

/** A button that opens the system's file chooser; a bare file field would answer to Space but not to Enter. */
export function FileChoice({ label, className, multiple = false, onFiles }: FileChoiceProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple={multiple}
        aria-label={label}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The same file may be chosen again, after it was changed.
          event.target.value = '';
        }}
      />
      <button
        type="button"
        className={className}
        onClick={() => {
          input.current?.click();
        }}
      >
        {label}
      </button>
    </>
  );
}
