/** Whether a release stands or was withdrawn, in a word and not by colour alone. */
export function ReleaseState({ withdrawn }: { readonly withdrawn: boolean }) {
  return withdrawn ? (
    <span className="font-semibold whitespace-nowrap text-refuse">withdrawn</span>
  ) : (
    <span className="whitespace-nowrap">standing</span>
  );
}
