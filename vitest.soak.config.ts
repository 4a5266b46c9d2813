import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

export default mergeConfig(
  base,
  defineConfig({ test: { testTimeout: 3_600_000, hookTimeout: 600_000, fileParallelism: false } }),
);
