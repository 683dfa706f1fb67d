/** Props of a Fluent Field: the reason beside it, or none. */
export function validationProps(problem: string | undefined): {
  readonly validationMessage: string | null;
  readonly validationState: 'error' | 'none';
} {
  return { validationMessage: problem ?? null, validationState: problem === undefined ? 'none' : 'error' };
}
