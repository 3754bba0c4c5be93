import { nextSample, oldestAgeSeconds, type QueueSample } from './queue-sample';

/** The sample after these readings, one a second, the first at second 0. */
const after = (...readings: number[]): QueueSample => {
  let sample: QueueSample | undefined;
  readings.forEach((ready, second) => (sample = nextSample(sample, ready, second * 1000)));
  return sample as QueueSample;
};

describe('the age of the oldest waiting message', () => {
  it('is nothing while nothing waits', () => {
    expect(oldestAgeSeconds(after(3, 0), 0, 9_000)).toBe(0);
  });

  it('is that of the message delivered last, while the queue has never been empty', () => {
    expect(oldestAgeSeconds(after(3, 2), -60_000, 9_000)).toBe(69);
  });

  it('goes no further back than the last time when the queue was empty', () => {
    const lastDeliveredAnHourAgo = -3_600_000;
    expect(oldestAgeSeconds(after(0, 0, 7), lastDeliveredAnHourAgo, 9_000)).toBe(8);
  });

  it('goes on while a paused queue only grows', () => {
    expect(oldestAgeSeconds(after(0, 1, 2, 3), undefined, 60_000)).toBe(60);
  });

  it('counts from the first look when nothing else is known', () => {
    expect(oldestAgeSeconds(after(5, 6), undefined, 9_000)).toBe(9);
  });

  it('is not below zero, whatever the clocks of publishers say', () => {
    expect(oldestAgeSeconds(after(1), 20_000, 9_000)).toBe(0);
  });
});
