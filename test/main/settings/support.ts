/** What stands in a settings.json that holds one value. */
export function placed(path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.');
  return { [name]: rest.length === 0 ? value : placed(rest.join('.'), value) };
}
