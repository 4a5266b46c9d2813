/** Shown while a page is fetched, and only when that takes noticeably long. */
export function PendingPage() {
  return (
    <p role="status" className="late pt-16 text-lg text-soft">
      Fetching this page…
    </p>
  );
}
