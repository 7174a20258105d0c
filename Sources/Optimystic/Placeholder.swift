@_exported import OptimysticCore
