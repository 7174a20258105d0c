// The types of the API that live below it: ids, positions, revisions, reports, errors, limits.
@_exported import BlockModel
@_exported import BlockRuntime
@_exported import BlockTransactions
