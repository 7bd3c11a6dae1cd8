"""Published findings, one per file, tried at small scale: what came out is reported, reproduced or not."""
