// Reads what /metrics says as strictly as OpenMetrics 1.0 has it, and finds samples in it.

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly samples: readonly Sample[]
  /** The type of each family, by its name. */
  readonly types: Readonly<Record<string, string>>
}

const METADATA = /^# (TYPE|HELP|UNIT) ([a-z_]+) (.+)$/
const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum'],
}

/** Throws where the text is not as it has to be. */
export function readExposition(text: string): Exposition {
  if (!text.endsWith('\n# EOF\n')) throw new Error('it does not end with # EOF and a line feed')
  const types: Record<string, string> = {}
  const samples: Sample[] = []
  let family = ''
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const [, kind, name = '', said = ''] = METADATA.exec(line) ?? []
    if (kind === 'TYPE') {
      if (types[name] !== undefined) throw new Error(`the family ${name} begins twice`)
      types[name] = said
      family = name
    } else if (kind !== undefined) {
      if (name !== family) throw new Error(`metadata of ${name} among ${family}`)
      if (kind === 'UNIT' && !name.endsWith(`_${said}`)) throw new Error(`the name ${name} lacks its unit`)
    } else samples.push(sampleIn(line, family, types[family] ?? ''))
  }
  checkHistograms(samples, types)
  return { samples, types }
}

function sampleIn(line: string, family: string, type: string): Sample {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
  if (name === '') throw new Error(`no sample: ${line}`)
  const suffix = name.startsWith(family) ? name.slice(family.length) : undefined
  if (suffix === undefined || !SUFFIXES[type]?.includes(suffix)) throw new Error(`${name} is no sample of the ${type} ${family}`)
  const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', of = '']) => [key, of] as const)
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error(`a label twice: ${line}`)
  return { name, labels: Object.fromEntries(pairs), value: Number(value) }
}

function checkHistograms(samples: readonly Sample[], types: Exposition['types']): void {
  const seen = new Set<string>()
  for (const { name, labels } of samples) {
    const key = `${name} ${spelled(labels)}`
    if (seen.has(key)) throw new Error(`twice: ${key}`)
    seen.add(key)
  }
  for (const [family] of Object.entries(types).filter(([, type]) => type === 'histogram')) {
    for (const { labels, value } of samples.filter(({ name }) => name === `${family}_count`)) {
      const buckets = samples.filter((each) => each.name === `${family}_bucket` && meets(each.labels, labels))
      const bounds = buckets.map(({ labels: { le = '' } }) => (le === '+Inf' ? Infinity : Number(le)))
      const counts = buckets.map((each) => each.value)
      if (bounds.some((bound, index) => bound <= (bounds[index - 1] ?? -Infinity)))
        throw new Error(`${family}: buckets out of order`)
      if (counts.some((count, index) => count < (counts[index - 1] ?? 0))) throw new Error(`${family}: buckets do not add up`)
      if (bounds.at(-1) !== Infinity || counts.at(-1) !== value) throw new Error(`${family}: +Inf is not the count`)
    }
  }
}

function meets(labels: Sample['labels'], wanted: Sample['labels']): boolean {
  const { le: _, ...others } = labels
  return spelled(others) === spelled(wanted)
}

function spelled(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return pairs.toSorted((one, other) => (one < other ? -1 : 1)).join()
}

/** The sum over every sample of the name that has these labels. */
export function sumOf({ samples }: Exposition, name: string, labels: Sample['labels'] = {}): number {
  const meant = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
  return meant.reduce((sum, { value }) => sum + value, 0)
}
