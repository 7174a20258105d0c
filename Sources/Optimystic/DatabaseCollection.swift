import BlockModel

/// A handle of a collection: a ``Tree``, a ``Diary`` or a ``Queue``.
public protocol DatabaseCollection: Sendable {
    /// As it was when it was opened.
    var info: CollectionInfo { get }
    /// The greatest revision that an answer has shown.
    var revision: Revision { get }
}

extension Tree: DatabaseCollection {}
extension Diary: DatabaseCollection {}
extension Queue: DatabaseCollection {}

extension CollectionInfo {
    /// The life that it tells of.
    var life: CollectionLife { CollectionLife(collection: collection, incarnation: incarnation) }
}
