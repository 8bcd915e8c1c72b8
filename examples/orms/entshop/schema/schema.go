// Package schema is the shop's tables in the words of ent, from which package ent is generated.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Product is what the shop sells.
type Product struct{ ent.Schema }

// Fields are the columns of products.
func (Product) Fields() []ent.Field {
	return []ent.Field{field.String("id").StorageKey("name"), field.Int("stock")}
}

// Order is one piece of one product, sold.
type Order struct{ ent.Schema }

// Fields are the columns of orders.
func (Order) Fields() []ent.Field {
	return []ent.Field{field.String("id"), field.String("product"), field.String("buyer"), field.String("price")}
}
