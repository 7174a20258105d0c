import BlockModel
import OptimysticClient

/// What a proxy gives out page by page.
protocol Pages {
    associatedtype Item
    associatedtype Element

    /// The items that follow; nil at the end. No items are no end.
    mutating func next() async throws -> [Item]?
    func element(_ item: Item) throws -> Element
}

/// The elements of pages, one at a time.
struct PagedElements<Source: Pages> {
    /// nil after the last page and after an error: whatever it asked ahead for is let go of.
    private var source: Source?
    private var page: [Source.Item] = []
    private var position = 0

    init(_ source: Source) { self.source = source }

    /// The next element; nil after the last, and after an error.
    mutating func next() async throws -> Source.Element? {
        do {
            while position == page.count {
                guard let next = try await source?.next() else {
                    source = nil
                    return nil
                }
                page = next
                position = 0
            }
            defer { position += 1 }
            return try source?.element(page[position])
        } catch {
            source = nil
            page = []
            position = 0
            throw error
        }
    }
}

/// One page of what is read as of one revision.
struct PinnedPage<Item, Place> {
    let items: [Item]
    /// Of the last item; nil without one.
    let last: Place?
    let asOf: Revision
    let isLast: Bool
}

/// How far reading as of one revision has come, and the request for the page that follows.
struct ReadAhead<Place> {
    /// nil until the first page says which revision is read.
    private(set) var asOf: Revision?
    /// The place of the last item that came.
    private(set) var last: Place?
    /// Items that may still be asked for.
    private(set) var left: Int
    fileprivate var pending: PendingReply?
    fileprivate var isLast: Bool

    init(asOf: Revision?, limit: Int = .max) {
        self.asOf = asOf
        left = max(limit, 0)
        isLast = left == 0
    }

    fileprivate mutating func take<Item>(_ page: PinnedPage<Item, Place>) {
        asOf = page.asOf
        last = page.last ?? last
        left -= min(left, page.items.count)
        isLast = page.isLast || left == 0
    }
}

/// Pages as of one revision: while one is read, the next is on its way.
protocol PinnedPages: Pages {
    associatedtype Place

    var ahead: ReadAhead<Place> { get set }

    /// Asks for the page that follows.
    func request() throws -> PendingReply
    /// - Returns: nil when the reply is something else.
    func page(_ reply: ClientReply) -> PinnedPage<Item, Place>?
}

extension PinnedPages {
    mutating func next() async throws -> [Item]? {
        guard !ahead.isLast else { return nil }
        let reply = try await (try ahead.pending ?? request()).value()
        ahead.pending = nil
        guard let page = page(reply), page.isLast || !page.items.isEmpty else {
            throw Database.unexpectedReply(reply)
        }
        ahead.take(page)
        if !ahead.isLast { ahead.pending = try request() }
        return page.items
    }
}
