/** Props of a Fluent Field that say what is wrong with its value. */
export interface ValidationProps {
  readonly validationMessage: string | null;
  readonly validationState: 'error' | 'none';
}

/** @param problem undefined = nothing is wrong */
export function validationProps(problem: string | undefined): ValidationProps {
  return { validationMessage: problem ?? null, validationState: problem === undefined ? 'none' : 'error' };
}
