import { useState } from 'react';
import type { ReactNode } from 'react';
import { FileChoice } from './file-choice.tsx';
import { GlassCase } from './glass-case.tsx';
import { primaryAction } from './action.ts';

interface FileDropProps {
  readonly onFiles: (files: readonly File[]) => void;
  readonly children?: ReactNode;
}

/** Takes files by dropping, or by choosing with mouse or keyboard. */
export function FileDrop({ onFiles, children }: FileDropProps) {
  const [over, setOver] = useState(false);
  return (
    <div
      className="no-print"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        const to = event.relatedTarget;
        if (!(to instanceof Node && event.currentTarget.contains(to))) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onFiles([...event.dataTransfer.files]);
      }}
    >
      <GlassCase lit={over}>
        <div className="flex min-h-56 flex-col items-center justify-center gap-4 px-5 py-8 text-center">
          <p className="font-serif text-xl">{over ? 'Let go to check it' : 'Drop a file into the case'}</p>
          <FileChoice label="Choose files" className={primaryAction} multiple onFiles={onFiles} />
          <p className="measure text-sm text-soft">
            {children ??
              'Of any size, one or several. Add a file’s .evidence to check it without asking the centre.'}
          </p>
        </div>
      </GlassCase>
    </div>
  );
}
