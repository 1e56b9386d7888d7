/** The metrics of calls as text. Written step by step: the caller decides how many steps to take at a time. */
import { formatUsd } from '../core/money.ts';
import type { Histogram } from '../core/histogram.ts';
import type { CallMeters } from './call-meters.ts';
import type { Exposition } from './exposition.ts';

/** Each step is one series of one family, so that what belongs together is read in one moment. */
export function* writeCalls(page: Exposition, meters: CallMeters): Generator<void> {
  page.family('sallyport_calls_total', 'counter', 'Calls that have ended.');
  for (const { labels, succeeded, failed } of meters.series) {
    yield;
    page.sample(succeeded, `${labels},result="success"`).sample(failed, `${labels},result="error"`);
  }
  page.family('sallyport_tokens_total', 'counter', 'Tokens that calls were charged for.');
  for (const { labels, inputTokens, outputTokens } of meters.series) {
    yield;
    page.sample(inputTokens, `${labels},type="input"`).sample(outputTokens, `${labels},type="output"`);
  }
  page.family('sallyport_cached_input_tokens_total', 'counter', 'The part of input tokens that was cached.');
  for (const { labels, cachedTokens } of meters.series) {
    yield;
    page.sample(cachedTokens, labels);
  }
  page.family('sallyport_cost_usd_total', 'counter', 'What calls were charged, in US dollars.');
  for (const { labels, costPicoUsd } of meters.series) {
    yield;
    page.sample(formatUsd(costPicoUsd), labels);
  }
  yield* writeTimings(page, meters);
  writeFailures(page, meters);
}

function* writeTimings(page: Exposition, meters: CallMeters): Generator<void> {
  page.family(
    'sallyport_call_duration_seconds',
    'histogram',
    'From the arrival of a call to its end, streams included.',
  );
  for (const { labels, successSeconds, errorSeconds } of meters.timings) {
    yield;
    writeUsed(page, successSeconds, `${labels},result="success"`);
    writeUsed(page, errorSeconds, `${labels},result="error"`);
  }
  page.family(
    'sallyport_call_first_byte_seconds',
    'histogram',
    "From the arrival of a call to the first byte of the provider's answer.",
  );
  for (const { labels, firstByteSeconds } of meters.timings) {
    yield;
    writeUsed(page, firstByteSeconds, labels);
  }
  page.family(
    'sallyport_call_wait_seconds',
    'histogram',
    'How long calls that had to wait for their turn waited.',
  );
  for (const { labels, waitSeconds } of meters.timings) {
    yield;
    writeUsed(page, waitSeconds, labels);
  }
}

/** Seventeen lines of zeros say nothing. */
function writeUsed(page: Exposition, histogram: Histogram, labels: string): void {
  if (histogram.count > 0) page.histogram(histogram, labels);
}

function writeFailures(page: Exposition, meters: CallMeters): void {
  page.family('sallyport_call_errors_total', 'counter', 'Calls that ended with an error, by its code.');
  for (const { labels, count } of meters.errors) page.sample(count, labels);
  page.family(
    'sallyport_refusals_total',
    'counter',
    'Requests that were refused before anything was sent, by code.',
  );
  for (const { labels, count } of meters.refusals) page.sample(count, labels);
  page
    .family('sallyport_overrun_usd_total', 'counter', 'By how much calls cost more than was held for them.')
    .sample(formatUsd(meters.overrunPicoUsd))
    .family('sallyport_lost_calls_total', 'counter', 'Calls that were charged whole because they got lost.')
    .sample(meters.lost)
    .family(
      'sallyport_label_overflows_total',
      'counter',
      'Calls counted under _other, because there are more names than labels.',
    )
    .sample(meters.overflows);
}
