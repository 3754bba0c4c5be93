/** Loaded before a program under measurement: it must not outlive a benchmark that was killed. */
process.on('disconnect', () => process.exit(1));
// Whoever has nothing left to do may end all the same.
process.channel?.unref();
