export async function sendmail(_argv: readonly string[]): Promise<number> {
  return 75;
}
