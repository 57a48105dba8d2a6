// A small chart of the last hours: bars or a curve in inline SVG, its words beside it, and one sentence for who does not see it.
import type { Child } from 'hono/jsx'
import { grouped } from '../names.tsx'

interface Series {
  readonly label: string
  /** One number per step, the oldest first. */
  readonly counts: readonly number[]
}

interface Chart {
  readonly id: string
  readonly title: string
  /** How long one step is: `hour`, `15 minutes`. */
  readonly step: string
}

const BAR = 10
const GAP = 4
/** Many bars stand closer, or they would be lines. */
const CLOSE_GAP = 2
const MANY = 48
const HEIGHT = 100
const CLASSES = ['series-1', 'series-3', 'series-2', 'series-4'] as const

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

/** Counts of what happened: the bars of one step stand on each other. */
export function BarChart({ id, title, step, series }: Chart & { readonly series: readonly [Series, ...Series[]] }) {
  const steps = Math.max(...series.map(({ counts }) => counts.length))
  const gap = steps > MANY ? CLOSE_GAP : GAP
  const stacked = Array.from({ length: steps }, (_, at) => sum(series.map(({ counts }) => counts[at] ?? 0)))
  const most = Math.max(...stacked, 0)
  const below = (index: number, at: number): number => sum(series.slice(0, index).map(({ counts }) => counts[at] ?? 0))
  const words = series.map(({ label, counts }) => `${label}: ${sum(counts)}`).join(', ')
  return (
    <Figure
      id={id}
      title={title}
      scale={most === 0 ? 'none yet' : `at most ${grouped(most)} in ${aStep(step)}`}
      width={steps * BAR}
      words={`In 24 hours, ${words}. Most in ${aStep(step)}: ${most}.`}
      legend={series.map(({ label, counts }, index) => (
        <li class={CLASSES[index] ?? 'series-4'}>
          {label} <strong>{grouped(sum(counts))}</strong>
        </li>
      ))}
    >
      {series.map(({ counts }, index) => (
        <g class={CLASSES[index] ?? 'series-4'}>
          {counts.map((count, at) => {
            const height = (count / Math.max(most, 1)) * HEIGHT
            const y = HEIGHT - height - (below(index, at) / Math.max(most, 1)) * HEIGHT
            return count === 0 ? null : (
              <rect class="bar" x={at * BAR + gap / 2} y={y.toFixed(2)} width={BAR - gap} height={height.toFixed(2)} />
            )
          })}
        </g>
      ))}
    </Figure>
  )
}

/** How many there were at once: a curve, and what it is at now. */
export function LevelChart({ id, title, step, label, counts, now }: Chart & Series & { readonly now: number }) {
  const most = Math.max(...counts, now, 0)
  const levels = [...counts.slice(0, -1), now]
  const points = levels.map((level, at) => `${at * BAR},${(HEIGHT - (level / Math.max(most, 1)) * (HEIGHT - 2)).toFixed(2)}`)
  const width = Math.max(levels.length - 1, 1) * BAR
  return (
    <Figure
      id={id}
      title={title}
      scale={most === 0 ? 'none yet' : `at most ${grouped(most)} at once`}
      width={width}
      words={`Over 24 hours, in steps of ${step}. Most at once: ${most}. Now: ${now}.`}
      legend={
        <li class="series-1">
          {label} <strong>{grouped(now)}</strong>
        </li>
      }
    >
      <g class="series-1">
        <polygon class="area" points={`0,${HEIGHT} ${points.join(' ')} ${width},${HEIGHT}`} />
        <polyline class="curve" points={points.join(' ')} />
      </g>
    </Figure>
  )
}

function aStep(step: string): string {
  return /^\d/.test(step) ? step : `one ${step}`
}

interface Framed {
  readonly id: string
  readonly title: string
  readonly scale: string
  readonly width: number
  readonly words: string
  readonly legend: Child
  readonly children: Child
}

function Figure({ id, title, scale, width, words, legend, children }: Framed) {
  return (
    <figure class="figure" id={id}>
      <figcaption class="figure-title">
        {title} <span class="fine">{scale}</span>
      </figcaption>
      <svg
        class="chart"
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}. ${words}`}
      >
        {children}
        <line class="axis" x1="0" y1={HEIGHT} x2={width} y2={HEIGHT} />
      </svg>
      <div class="chart-labels" aria-hidden="true">
        <span>24 h ago</span>
        <span>12 h ago</span>
        <span>now</span>
      </div>
      <ul class="legend">{legend}</ul>
    </figure>
  )
}
