# Generated protobuf-c code: `make protos` writes it, `make protos-verify` fails when it is stale.
# Included by the main Makefile; runs alone from the top of the repository with
# `make -f Protos/protos.mk protos`.

PROTO_FILES := $(sort $(wildcard Protos/optimystic/v1/*.proto))
PROTO_C := Sources/CProtocol

.PHONY: protos protos-verify

# protoc-c writes headers and sources side by side; SwiftPM wants the headers under include/.
define generate-protos
	@command -v protoc-c >/dev/null || { \
	  echo "protoc-c is missing: install protobuf-c-compiler and libprotobuf-c-dev" >&2; exit 69; }
	@mkdir -p $(1)/generated $(1)/include/optimystic/v1
	@protoc-c --proto_path=Protos --c_out=$(1)/generated $(PROTO_FILES)
	@mv $(1)/generated/optimystic/v1/*.pb-c.h $(1)/include/optimystic/v1/
	@mv $(1)/generated/optimystic/v1/*.pb-c.c $(1)/
	@rm -r $(1)/generated
endef

protos: ## Regenerate Sources/CProtocol from Protos/
	@rm -f $(PROTO_C)/*.pb-c.c $(PROTO_C)/include/optimystic/v1/*.pb-c.h
	$(call generate-protos,$(PROTO_C))
	@echo "Sources/CProtocol is generated from $(words $(PROTO_FILES)) files"

protos-verify: ## Fail when Sources/CProtocol is not what Protos/ generates
	@rm -rf .build/protos-verify
	$(call generate-protos,.build/protos-verify)
	@diff -r -q -x CProtocol.h -x module.modulemap .build/protos-verify $(PROTO_C) || { \
	  echo "Sources/CProtocol is stale: run 'make protos' and commit what it changes" >&2; exit 1; }
	@rm -rf .build/protos-verify
	@echo "Sources/CProtocol is what Protos/ generates"
