import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const maxBytes = 8_192;

/** The last lines of a log file, indented; '' when it is missing or empty. */
export function logTail(file: string, maxLines = 12): string {
  if (!existsSync(file)) return '';
  const lines = lastBytes(file).trimEnd().split('\n').slice(-maxLines);
  return lines.map((line) => `    ${line}`).join('\n');
}

function lastBytes(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
