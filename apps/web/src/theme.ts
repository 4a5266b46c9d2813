/** The colour scheme: the system's, unless the reader chose another; the choice is remembered on this device alone. */

export type Theme = 'system' | 'light' | 'dark';

/** The same key is read by public/remembered-theme.js before the first paint. */
const STORAGE_KEY = 'vitrine-theme';

export function currentTheme(): Theme {
  const theme = document.documentElement.dataset['theme'];
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Applies and remembers a theme; `system` forgets it. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    if (theme === 'system') localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Storage is closed to the page: the choice lasts as long as the page.
  }
}
