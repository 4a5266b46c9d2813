/** Title and description of the page that is shown. */
import { useEffect } from 'react';

/** Sets both while the calling page is mounted. */
export function usePageTitle(title: string, description: string): void {
  useEffect(() => {
    document.title = title;
    document.querySelector('meta[name="description"]')?.setAttribute('content', description);
  }, [title, description]);
}
