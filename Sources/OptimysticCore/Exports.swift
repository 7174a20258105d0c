/// The core library in one import: the model, and collections over their logs.
@_exported import BlockModel
@_exported import BlockRuntime
@_exported import BlockStructures
@_exported import BlockTransactions
