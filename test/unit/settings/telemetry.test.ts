// Where spans go: what OpenTelemetry's variables may say, and that no mistake in a header is said aloud.
import { describe, expect, test } from 'vitest'
import type { TelemetrySettings } from '../../../src/platform/span-exporter.ts'
import { readSettings, SettingsError } from '../../../src/settings/settings.ts'

const GOOD = {
  BASE_URL: 'https://mcp.example.com',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  OAUTH_AUTHORIZE_URL: 'https://idp.example.com',
  OAUTH_CLIENT_ID: 'broker',
  OAUTH_CLIENT_SECRET: 'kept by the operator',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
}
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/otlp/' }

const telemetry = (changes: Readonly<Record<string, string>>): TelemetrySettings | undefined =>
  readSettings({ ...GOOD, ...changes }).telemetry

function problemOf(changes: Readonly<Record<string, string>>): string {
  try {
    telemetry(changes)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  return ''
}

describe('spans', () => {
  test('go nowhere unless somebody says where, and none at a share of 0', () => {
    expect(telemetry({})).toBeUndefined()
    expect(telemetry({ OTEL_EXPORTER_OTLP_HEADERS: 'a=b' })).toBeUndefined()
    expect(telemetry({ ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: '0' })).toBeUndefined()
  })

  test('go to the path of the signal below the endpoint, with its headers', () => {
    expect(telemetry({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20abc=, x-org = 7 ,' })).toEqual({
      tracesUrl: 'https://collector.example/otlp/v1/traces',
      headers: { authorization: 'Basic abc=', 'x-org': '7' },
      ratio: 1,
    })
    expect(telemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel-collector:4318' })?.tracesUrl).toBe(
      'http://otel-collector:4318/v1/traces',
    )
  })

  test.for([
    ['1', 1],
    ['1.0', 1],
    ['0.25', 0.25],
    ['.5', 0.5],
  ] as const)('are recorded in the share %s', ([text, ratio]) => {
    expect(telemetry({ ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: text })?.ratio).toBe(ratio)
  })
})

describe('a start is refused with', () => {
  test.for([
    ['a share above 1', { OTEL_TRACES_SAMPLER_ARG: '1.5' }, 'OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1'],
    ['a share that is none', { OTEL_TRACES_SAMPLER_ARG: 'always_on' }, 'OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1'],
    [
      'an endpoint that is none',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' },
      'OTEL_EXPORTER_OTLP_ENDPOINT is not an http(s) URL',
    ],
    ['a header without a value', { OTEL_EXPORTER_OTLP_HEADERS: 'my-secret' }, 'OTEL_EXPORTER_OTLP_HEADERS is no list of headers'],
    [
      'a header that injects',
      { OTEL_EXPORTER_OTLP_HEADERS: 'a=my-secret%0d%0ax:y' },
      'OTEL_EXPORTER_OTLP_HEADERS is no list of headers',
    ],
    ['a value that is no encoding', { OTEL_EXPORTER_OTLP_HEADERS: 'a=%zz' }, 'OTEL_EXPORTER_OTLP_HEADERS is no list of headers'],
    [
      'headers over plain http',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example', OTEL_EXPORTER_OTLP_HEADERS: 'a=my-secret' },
      'OTEL_EXPORTER_OTLP_ENDPOINT would send OTEL_EXPORTER_OTLP_HEADERS over plain http',
    ],
  ] as const)('%s', ([, changes, message]) => {
    expect(problemOf({ ...ENDPOINT, ...changes })).toBe(message)
  })
})
