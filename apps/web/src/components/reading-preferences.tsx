import { useState } from 'react';
import { chooseTheme, currentTheme } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { chooseTimeZone, useTimeZoneChoice } from '../time-zone.ts';

const select = 'min-h-9 rounded-sm border border-strong bg-paper px-2 text-sm text-ink hover:border-accent';

function parseTheme(text: string): Theme {
  return text === 'light' || text === 'dark' ? text : 'system';
}

/** How the pages look and tell the time, for this reader alone. */
export function ReadingPreferences() {
  const [theme, setTheme] = useState(currentTheme);
  const zone = useTimeZoneChoice();
  return (
    <div className="no-print flex flex-wrap gap-4">
      <label className="flex items-center gap-2 text-sm">
        Colours
        <select
          className={select}
          value={theme}
          onChange={(event) => {
            const next = parseTheme(event.target.value);
            chooseTheme(next);
            setTheme(next);
          }}
        >
          <option value="system">of the system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
      <label className="flex items-center gap-2 text-sm">
        Times
        <select
          className={select}
          value={zone}
          onChange={(event) => {
            chooseTimeZone(event.target.value === 'local' ? 'local' : 'utc');
          }}
        >
          <option value="utc">log time (UTC)</option>
          <option value="local">your zone</option>
        </select>
      </label>
    </div>
  );
}
