/** Control characters, C1, line separators and direction overrides: never shown, never logged as they are. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
export const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
