// Where spans go: OpenTelemetry's own variables, the few that the broker needs.
import * as z from 'zod'
import type { TelemetrySettings } from '../platform/span-exporter.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'

const NAME = /^[\w!#$%&'*+.^`|~-]{1,100}$/
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]{0,4000}[\x21-\x7e])?$/

/** OpenTelemetry, "Specifying headers via environment variables": `name=value,name=value`, values percent-encoded. */
export const otlpHeaders = z.string().transform((text, context) => {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',').filter((each) => each.trim() !== '')) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim().toLowerCase()
    const value = decoded(pair.slice(at + 1).trim())
    if (at === -1 || !NAME.test(name) || value === undefined || !VALUE.test(value)) {
      const cure = 'give it as name=value,name=value with values percent-encoded'
      context.addIssue({ code: 'custom', message: 'is no list of headers', params: { cure } })
      return z.NEVER
    }
    headers[name] = value
  }
  return headers
})

export const share = z
  .string()
  .regex(/^(?:0|1|[01]?\.\d{1,9}|1\.0{1,9})$/, 'is not a number from 0 to 1')
  .default('1')
  .transform(Number)
  .refine((number) => number <= 1, 'is not a number from 0 to 1')

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

interface Variables {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
  readonly OTEL_EXPORTER_OTLP_HEADERS: Readonly<Record<string, string>>
  readonly OTEL_TRACES_SAMPLER_ARG: number
}

export function telemetryOf(variables: Variables): TelemetrySettings | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = variables
  const ratio = variables.OTEL_TRACES_SAMPLER_ARG
  if (endpoint === undefined || ratio === 0) return undefined
  const traces = new URL(endpoint)
  traces.pathname = `${traces.pathname.replace(/\/$/, '')}/v1/traces`
  return { tracesUrl: traces.href, headers, ratio }
}

/** A header is there to prove who sends; a collector without one may be next door. */
export function problemsOfTelemetry(given: WrittenVariables): readonly SettingsProblem[] {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = given
  if (headers === undefined || !isOpenHttp(endpoint)) return []
  const problem = 'would send OTEL_EXPORTER_OTLP_HEADERS over plain http'
  return [
    { variable: 'OTEL_EXPORTER_OTLP_ENDPOINT', problem, cure: 'use https; plain http is for localhost, or without headers' },
  ]
}
