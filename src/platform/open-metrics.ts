// The text that Prometheus scrapes: OpenMetrics 1.0, or the older text format for whoever does not ask for it.
import { GAUGES, KNOWN_FAMILIES, type GaugeName } from './metric-families.ts'
import { seriesParts, type Sums } from './measures.ts'

export interface Measured {
  readonly sums: Sums
  readonly gauges: Readonly<Record<GaugeName, number>>
}

export type ExpositionFormat = 'openmetrics' | 'prometheus'

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
}

export function exposition({ sums, gauges }: Measured, format: ExpositionFormat): string {
  const lines: string[] = []
  for (const [key, { name, help }] of Object.entries(GAUGES)) {
    lines.push(...described(name, 'gauge', help, format), `${name} ${gauges[gaugeName(key)]}`)
  }
  const all = Object.entries(sums).map(([series, values]) => ({ parts: seriesParts(series), values }))
  for (const [family, { name, help, labels, bounds }] of KNOWN_FAMILIES) {
    const series = all.filter(({ parts: [of] }) => of === family)
    // A family in the older format is called as its samples are.
    const exposed = bounds || format === 'openmetrics' ? name : `${name}_total`
    lines.push(...described(exposed, bounds ? 'histogram' : 'counter', help, format))
    for (const { parts, values } of series) {
      const named = labels.flatMap((label, index) => labelled(label, parts[index + 1] ?? ''))
      if (bounds) lines.push(...histogram(name, named, bounds, values))
      else lines.push(`${name}_total${inBraces(named)} ${values[0] ?? 0}`)
    }
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

function gaugeName(key: string): GaugeName {
  return key === 'streamsOpen' || key === 'leasesOut' ? key : 'isolatesReporting'
}

/** OpenMetrics wants the unit in the name, and may be told it. */
function described(name: string, type: string, help: string, format: ExpositionFormat): readonly string[] {
  const unit = format === 'openmetrics' && name.endsWith('_seconds') ? [`# UNIT ${name} seconds`] : []
  return [`# TYPE ${name} ${type}`, ...unit, `# HELP ${name} ${help}`]
}

function histogram(
  name: string,
  labels: readonly string[],
  bounds: readonly number[],
  values: readonly number[],
): readonly string[] {
  let sum = 0
  const buckets = [...bounds.map(canonical), '+Inf'].map((bound, index) => {
    sum += values[index] ?? 0
    return `${name}_bucket${inBraces([...labels, `le="${bound}"`])} ${sum}`
  })
  return [
    ...buckets,
    `${name}_count${inBraces(labels)} ${sum}`,
    `${name}_sum${inBraces(labels)} ${values[bounds.length + 1] ?? 0}`,
  ]
}

/** OpenMetrics 1.0, "Considerations: Canonical Numbers": floats, also where they are whole. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

/** An empty value is the same as none. */
function labelled(label: string, value: string): readonly string[] {
  if (value === '') return []
  return [
    `${label}="${value
      .replaceAll('\\', '\\\\')
      .replaceAll('"', String.raw`\"`)
      .replaceAll('\n', String.raw`\n`)}"`,
  ]
}

function inBraces(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`
}

/** What the `Accept` of a scraper asks for; whoever asks for nothing gets the older format, which everybody reads. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const ranges = (accept ?? '').split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const of = (name: string): string | undefined =>
      parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1)
    return { type, version: of('version') ?? '1.0.0', q: Number(of('q') ?? '1') }
  })
  const wanted = (type: string, version: (text: string) => boolean): number =>
    Math.max(0, ...ranges.filter((range) => range.type === type && version(range.version)).map(({ q }) => q))
  const open = wanted('application/openmetrics-text', (version) => version.replaceAll('"', '').startsWith('1.'))
  return open > 0 && open >= wanted('text/plain', () => true) ? 'openmetrics' : 'prometheus'
}
