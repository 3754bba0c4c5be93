import { asksForTraces, openTelemetryProblems } from './open-telemetry';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('the variables of OpenTelemetry', () => {
  it.each([
    [{}, false],
    [ENDPOINT, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces' }, true],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'True' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  ])('ask for traces, or not: %j %s', (variables, asked) => {
    expect(asksForTraces(variables)).toBe(asked);
    expect(openTelemetryProblems(variables)).toEqual([]);
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /^OTEL_EXPORTER_OTLP_PROTOCOL: grpc .*4318$/],
    [
      { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: http\/json .*=http\/protobuf/,
    ],
    [{ OTEL_TRACES_EXPORTER: 'otlp,zipkin' }, /^OTEL_TRACES_EXPORTER: zipkin .*set otlp/],
    [{ OTEL_PROPAGATORS: 'b3' }, /^OTEL_PROPAGATORS: b3 .*set tracecontext/],
    [{ OTEL_PROPAGATORS: 'none' }, /^OTEL_PROPAGATORS: none /],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT: .*http:/],
  ])('are refused where they ask for what is not built in: %j', (variables, problem) => {
    expect(openTelemetryProblems({ ...ENDPOINT, ...variables })).toEqual([
      expect.stringMatching(problem),
    ]);
  });

  it('are refused with an exporter that is not built in, although nothing else asks for traces', () => {
    expect(openTelemetryProblems({ OTEL_TRACES_EXPORTER: 'console' })).toHaveLength(1);
  });

  it('are nobody’s concern while they ask for nothing, or for what is built in', () => {
    for (const variables of [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      { ...ENDPOINT, OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'zipkin' },
      {
        ...ENDPOINT,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
        OTEL_PROPAGATORS: 'tracecontext,baggage',
      },
    ])
      expect(openTelemetryProblems(variables)).toEqual([]);
  });
});
