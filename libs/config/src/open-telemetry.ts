type Variables = Readonly<Record<string, string | undefined>>;

/** The one that is built in. */
const PROTOCOL = 'http/protobuf';

/**
 * Whether OpenTelemetry's standard variables ask for traces: by an endpoint, or by the exporter `otlp`.
 *
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function asksForTraces(variables: Variables): boolean {
  if (isDisabled(variables)) return false;
  const exporters = listOf(variables['OTEL_TRACES_EXPORTER']);
  if (exporters.length > 0) return exporters.includes('otlp');
  return endpointsOf(variables).length > 0;
}

/** What they ask for and nobody here can do, a line each: it would otherwise be missed in an incident. */
export function openTelemetryProblems(variables: Variables): string[] {
  if (isDisabled(variables)) return [];
  const others = listOf(variables['OTEL_TRACES_EXPORTER']).filter(
    (name) => name !== 'otlp' && name !== 'none',
  );
  const exporter = others.map(
    (name) => `OTEL_TRACES_EXPORTER: ${name} is not built in; set otlp, or none`,
  );
  if (!asksForTraces(variables)) return exporter;
  return [
    ...exporter,
    ...protocolProblems(variables),
    ...endpointProblems(variables),
    ...propagatorProblems(variables),
  ];
}

const isDisabled = ({ OTEL_SDK_DISABLED }: Variables): boolean =>
  OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true';

const listOf = (value = ''): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** The signal's own goes before that of all signals. */
function protocolProblems(variables: Variables): string[] {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
  const name = names.find((one) => variables[one]);
  const protocol = name && variables[name]?.trim();
  if (!protocol || protocol === PROTOCOL) return [];
  const remedy = `set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=${PROTOCOL}, and the collector's port for it, 4318`;
  return [`${name}: ${protocol} is not built in; ${remedy}`];
}

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

const endpointsOf = (variables: Variables): [name: string, url: string][] =>
  ENDPOINTS.flatMap((name): [string, string][] => {
    const url = variables[name];
    return url ? [[name, url]] : [];
  });

/** The SDK would send to localhost instead, without a word. */
const endpointProblems = (variables: Variables): string[] =>
  endpointsOf(variables)
    .filter(([, url]) => !/^https?:\/\/./i.test(url) || !URL.canParse(url))
    .map(([name]) => `${name}: must be a URL such as http://collector:4318`);

/** Baggage is asked for by default, and carries nothing here. */
function propagatorProblems({ OTEL_PROPAGATORS }: Variables): string[] {
  const names = listOf(OTEL_PROPAGATORS);
  const others = names.filter((name) => name !== 'tracecontext' && name !== 'baggage');
  const isOurs = names.length === 0 || (names.includes('tracecontext') && others.length === 0);
  if (isOurs) return [];
  return [`OTEL_PROPAGATORS: ${names.join(',')} is not built in; set tracecontext`];
}
