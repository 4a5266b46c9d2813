/** How buttons and links that act look: one primary, one quiet. Both are at least 44 px high. */
export const primaryAction =
  'inline-flex min-h-11 items-center justify-center rounded-sm border border-accent bg-accent px-5 font-semibold text-on-accent hover:opacity-90';
export const quietAction =
  'inline-flex min-h-11 items-center justify-center rounded-sm border border-strong px-4 hover:border-accent hover:text-accent';
export const field =
  'min-h-11 w-full min-w-0 rounded-sm border border-strong bg-raised px-3 text-ink placeholder:text-soft';
