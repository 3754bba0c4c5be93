import { ValidateBy, type ValidationOptions } from 'class-validator';

/**
 * A URL with one of these schemes that every library behind can take apart. Passwords that somebody
 * generated often hold a `#`, `/` or `%`: what could not make sense of them would fail later, and some
 * print all of it.
 */
export function IsUrlOf(
  schemes: readonly string[],
  example: string,
  options: ValidationOptions = {},
): PropertyDecorator {
  const message = `must be set to a URL such as ${example}, with %XX for #, /, ? and % in a name or password`;
  const validate = (value: unknown): boolean => typeof value === 'string' && isOf(schemes, value);
  return ValidateBy({ name: 'isUrlOf', validator: { validate } }, { message, ...options });
}

function isOf(schemes: readonly string[], value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hash, href, username, password } = new URL(value);
  const rest = href.slice(protocol.length);
  return (
    schemes.some((scheme) => protocol === `${scheme}:`) &&
    rest.length > '//'.length &&
    hash === '' &&
    isDecodable(username + password)
  );
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
