// /metrics as text: both formats to the letter, and which of them somebody gets.
import { describe, expect, test } from 'vitest'
import { FAMILIES } from '../../../src/platform/metric-families.ts'
import { exposition, formatFor, type Measured } from '../../../src/platform/open-metrics.ts'
import { readExposition, sumOf } from '../../world/exposition-reader.ts'

const MEASURED: Measured = {
  sums: {
    'refusals|limit_exceeded': [2],
    'revocations|grant': [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 16.011],
    'serverOperations|tools/call||mcp': [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.05],
    [String.raw`httpRequests|a"b\c|200`]: [1],
    'dropped by a release|x': [1],
  },
  gauges: { streamsOpen: 3, leasesOut: 2, isolatesReporting: 1 },
}

describe('OpenMetrics', () => {
  const text = exposition(MEASURED, 'openmetrics')

  test('is what the specification has', () => {
    const read = readExposition(text)
    expect(sumOf(read, 'mcp_broker_refusals_total', { code: 'limit_exceeded' })).toBe(2)
    expect(sumOf(read, 'mcp_broker_revocation_duration_seconds_count', { what: 'grant' })).toBe(3)
    expect(sumOf(read, 'mcp_broker_streams_open')).toBe(3)
    expect(Object.keys(read.types)).toHaveLength(Object.keys(FAMILIES).length + 3)
  })

  test('says counters, histograms and units to the letter', () => {
    expect(text).toContain(
      [
        '# TYPE mcp_broker_refusals counter',
        '# HELP mcp_broker_refusals Requests that were refused, by the code in the answer.',
        'mcp_broker_refusals_total{code="limit_exceeded"} 2',
        '',
      ].join('\n'),
    )
    expect(text).toContain('# UNIT mcp_server_operation_duration_seconds seconds\n')
    expect(text).toContain(
      'mcp_server_operation_duration_seconds_bucket{mcp_method_name="tools/call",server="mcp",le="0.02"} 3\n',
    )
    expect(text).toContain('{mcp_method_name="tools/call",server="mcp",le="300.0"} 3\n')
    expect(text).toContain(String.raw`mcp_broker_http_requests_total{route="a\"b\\c",status="200"} 1`)
    expect(text).not.toContain('dropped by a release')
  })
})

test('the format of Prometheus before that calls a family as its samples, and has no end', () => {
  const text = exposition(MEASURED, 'prometheus')
  expect(text).toContain('# TYPE mcp_broker_refusals_total counter\n')
  expect(text).not.toContain('# EOF')
  expect(text).not.toContain('# UNIT')
})

test.for([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/plain', 'prometheus'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
  // Prometheus 2 and 3.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
  ['application/openmetrics-text;version=0.0.1', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['text/plain;q=0.9,application/openmetrics-text;q=0.2', 'prometheus'],
  ['application/openmetrics-text;q=nonsense', 'prometheus'],
] as const)('Accept: %s gets %s', ([accept, format]) => {
  expect(formatFor(accept)).toBe(format)
})
