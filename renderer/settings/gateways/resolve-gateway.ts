/** The gateway form's validation: the schema's word, in the window's language. */
import { zodResolver } from '@hookform/resolvers/zod';
import type { FieldErrors, Resolver } from 'react-hook-form';
import { gatewaySchema, type GatewaySettings } from '../../../shared/settings.ts';
import type { Say } from '../../i18n/i18n.ts';
import { problemText } from '../problem-text.ts';

/** Errors stand at the field; those of a list stand at the list. */
export function gatewayErrors(value: unknown, say: Say): Readonly<Record<string, string>> {
  const parsed = gatewaySchema.safeParse(value);
  if (parsed.success) return {};
  const errors: Record<string, string> = {};
  for (const issue of parsed.error.issues) {
    const [field] = issue.path;
    if (typeof field === 'string' && errors[field] === undefined) errors[field] = problemText(issue, say);
  }
  return errors;
}

export function resolveGateway(say: Say): Resolver<GatewaySettings> {
  const parse = zodResolver(gatewaySchema) as unknown as Resolver<GatewaySettings>;
  return async (values, context, options) => {
    const errors = gatewayErrors(values, say);
    if (Object.keys(errors).length === 0) return parse(values, context, options);
    return {
      values: {},
      errors: Object.fromEntries(
        Object.entries(errors).map(([field, message]) => [field, { type: 'schema', message }]),
      ) as FieldErrors<GatewaySettings>,
    };
  };
}
